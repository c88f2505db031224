"""What trainers share: trajectories, rewards, advantages, and one way to TRL."""
