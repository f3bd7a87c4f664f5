// What is for and against, per theme. Written by tools/page.py from dnnexplain/charts/look.py: change it there.

export const SIGNED = {
  light: { positive: [194, 87, 12], negative: [33, 102, 172] },
  dark: { positive: [240, 140, 58], negative: [84, 160, 228] },
};
