"""The one public door: portal pages, links, access and dispatch to the services behind it."""
