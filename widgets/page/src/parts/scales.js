// Scales that stand still while what is drawn on them moves.

const SHRINKS = 0.25; // of the scale: below it bars can no longer be told apart

/** The end of a scale that stands still while bars move: a round number, left only when they outgrow it or get lost in it. */
export function steadyScale() {
  let held = 0;
  return (/** @type {number} */ largest) => {
    if (largest > held || largest < SHRINKS * held) {
      const power = 10 ** Math.floor(Math.log10(largest));
      held = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= largest * (1 - 1e-9)) ?? largest;
    }
    return held;
  };
}
