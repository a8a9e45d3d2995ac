"use strict";

// The operator's token, until the tab is closed, for all pages of the server. A browser that keeps
// nothing for pages refuses even to be asked; then it lasts until the page is left.
const tokens = (() => {
  const NAME = "interject.token";
  let here = "";

  function attempt(work) {
    try {
      return work();
    } catch {
      return null;
    }
  }

  return {
    // What no server has: a header can hold no other characters, and asking with them fails as if nobody were there.
    impossible: (given) => !/^[\x20-\x7e]*$/.test(given),
    get: () => attempt(() => sessionStorage.getItem(NAME)) ?? here,
    keep(given) {
      here = given;
      attempt(() => sessionStorage.setItem(NAME, given));
    },
    forget() {
      here = "";
      attempt(() => sessionStorage.removeItem(NAME));
    },
  };
})();
