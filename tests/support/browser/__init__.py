"""What the browser tests share: a real browser, and a scripted program behind the page."""
