"""From experiments to one static page."""
