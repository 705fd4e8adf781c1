// Times in the reader's own zone. Everything else works without this file.
"use strict";
(() => {
  const pad = (n) => String(n).padStart(2, "0");
  const local = (at) =>
    `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const each of document.querySelectorAll("time[datetime]")) {
    const at = new Date(each.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    each.title = `${each.textContent} UTC`;
    each.textContent = local(at);
  }
  const told = document.getElementById("zone");
  if (told) told.textContent = zone;
})();
