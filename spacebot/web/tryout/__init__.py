"""The try-out: the commands on the page, as members see them in Discord."""
