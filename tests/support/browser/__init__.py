"""What the browser tests share: a real browser, and a scripted House for the page's layout."""
