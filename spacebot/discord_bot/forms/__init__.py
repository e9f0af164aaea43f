"""Forms: what a person fills in beyond a command's own options, five fields at a time.

Discord's forms (modals) take five fields and cannot open one another, so a
button stands between two pages. What was typed lives here until the form is
run; a form that is too old says so.
"""

from spacebot.discord_bot.forms.pages import FORM_BUTTONS, Forms, tell_expired
