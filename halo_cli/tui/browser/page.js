// An address in a vendor's words is text: the terminal would make it a link, and a link needs a window to open.
window.open = () => null;

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("again").addEventListener("click", () => window.location.reload());
  // The terminal measures its letters once, so they must be there before it starts: it starts when everything has loaded.
  document.fonts.load('16px "Roboto Mono"');
  document.fonts.load('bold 16px "Roboto Mono"');
});

// What is typed goes to the dashboard without a click.
window.addEventListener("load", () => setTimeout(() => document.querySelector(".xterm-helper-textarea")?.focus()));
