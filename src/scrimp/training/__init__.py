"""Training: rewards and advantages as pure functions, and the methods that change a model's weights by them."""
