// Pages of months that a phone stores to open them without a network. The page that asks to sign
// in removes them: the next person on this phone is another one.
"use strict";

const MONTH_PAGES = "emall-months";

if (!document.getElementById("month") && "caches" in window) caches.delete(MONTH_PAGES);
