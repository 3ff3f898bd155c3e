"use strict";

const INTERVAL = 2000;

/** Take the live part of the page anew from the server, unless nobody looks or text is selected. */
async function refresh() {
  if (document.hidden || String(getSelection())) return;
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, fresh] = [document.getElementById("live"), page.getElementById("live")];
    if (old.innerHTML !== fresh.innerHTML && !old.contains(document.activeElement)) {
      old.replaceWith(document.adoptNode(fresh));
    }
    document.body.classList.remove("lost");
  } catch {
    document.body.classList.add("lost");
  }
}

/** Put a button beside each command that copies it. */
function offerCopies() {
  for (const line of navigator.clipboard ? document.querySelectorAll(".line") : []) {
    const button = document.createElement("button");
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + line.querySelector(".what").textContent);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    line.append(button);
  }
}

offerCopies();
setInterval(refresh, INTERVAL);
document.addEventListener("visibilitychange", refresh);
