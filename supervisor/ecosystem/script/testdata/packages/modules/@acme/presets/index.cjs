exports.preset = { kill_timeout: 5000 };
