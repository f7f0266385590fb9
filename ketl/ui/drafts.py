"""What a person has typed into the boxes of the review and not yet decided: kept until it is saved or given up.

A box that is not drawn is forgotten by Streamlit, and a refresh begins a new session. So a draft lies in the database,
under its run and its text, from the moment the box is left until the text is saved, approved or sent back. Until the
box is left the server knows nothing of it: for so long the browser's tab keeps it, letter by letter.
"""

from __future__ import annotations

import streamlit as st

from ketl.results.rows import ResultRow
from ketl.ui.session import runs
from ketl.ui.texts import script

# A box is put back as it was being typed only where it shows what it showed when the typing began, or was sent since.
# What was left is with the server a moment later, and is forgotten here.
_KEPT_BY_THE_TAB = """
(() => {
  if (window.ketlDrafts) return;
  window.ketlDrafts = true;
  const before = new WeakMap(), seen = new WeakSet();
  const key = (box) => {
    const frame = box.closest && box.matches("textarea") && box.closest('[class*="st-key-text_"]');
    return frame && [...frame.classList].find((name) => name.startsWith("st-key-text_"));
  };
  const begin = (box, was = []) => before.set(box, [...was, box.value]);
  addEventListener("focusin", ({ target }) => key(target) && begin(target));
  addEventListener("keyup", ({ target, key: pressed, ctrlKey, metaKey }) =>
    pressed === "Enter" && (ctrlKey || metaKey) && key(target) && begin(target, before.get(target)));
  addEventListener("input", ({ target }) =>
    key(target) && sessionStorage.setItem(key(target), JSON.stringify([before.get(target), target.value])));
  addEventListener("focusout", ({ target }) => {
    const name = key(target);
    if (name) setTimeout(() => document.activeElement !== target && sessionStorage.removeItem(name), 5000);
  });
  const putBack = (box, kept) => {
    box.focus();
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, kept[1]);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => box.blur(), 100);  // when the page has taken in what stands there now
  };
  const meet = (box) => {
    if (seen.has(box)) return;
    seen.add(box);
    const kept = JSON.parse(sessionStorage.getItem(key(box)));
    if (!kept) return;
    let looks = 0;  // a box is drawn empty, and gets its text a moment later
    const timer = setInterval(() => {
      const found = kept[0].includes(box.value) && kept[1] !== box.value;
      if (found || ++looks > 20) clearInterval(timer);
      if (found) putBack(box, kept);
    }, 50);
  };
  const look = () => document.querySelectorAll('[class*="st-key-text_"] textarea').forEach(meet);
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
})();
"""


def keep_while_typing() -> None:
    """Let the browser's tab keep what is typed until the server has it: a refresh in the middle loses nothing."""
    script(_KEPT_BY_THE_TAB)


def unit_id(run_id: str, row: ResultRow) -> str:
    """Return what tells one text of one run from all others."""
    return f"{run_id}_{row.product_id}_{row.field}_{row.item}_{row.language_tag}"


def box_key(unit: str) -> str:
    """Return the key of the box in which a text is corrected."""
    return f"text_{unit}"


def fill_box(unit: str, translation: str) -> bool:
    """Put into a box that is about to be drawn what was typed before, else the translation; tell whether it differs."""
    key = box_key(unit)
    if key not in st.session_state:
        draft = runs().store.settings.get(_name(unit))
        st.session_state[key] = translation if draft is None else str(draft)
    return bool(st.session_state[key] != translation)


def keep_draft(unit: str, translation: str) -> None:
    """Keep what stands in a box; for `on_change`. The translation itself is no draft."""
    typed = st.session_state[box_key(unit)]
    runs().store.settings.put(_name(unit), None if typed == translation else typed)


def forget_draft(unit: str) -> None:
    """Forget what was typed, since the text was decided."""
    st.session_state.pop(box_key(unit), None)
    runs().store.settings.put(_name(unit), None)


def _name(unit: str) -> str:
    return f"draft {unit}"
