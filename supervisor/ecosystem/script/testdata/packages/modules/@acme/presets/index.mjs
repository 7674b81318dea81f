export const preset = { kill_timeout: 6000 };
