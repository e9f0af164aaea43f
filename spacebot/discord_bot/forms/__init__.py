"""Forms: values beyond a command's own options, five fields at a time.

Discord's forms (modals) have up to five fields and cannot open one another, so a
button leads from page to page. The values are held here until the form runs; a form
that is too old says so.
"""

from spacebot.discord_bot.forms.pages import FORM_BUTTONS, Forms, tell_expired
