// The theme that was chosen, set before anything is drawn: no flash of the other one.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("offload.theme");
  } catch {
    // Storage is forbidden here: the system's theme it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
