export const extra = [1, 2, 3].at(-1);
