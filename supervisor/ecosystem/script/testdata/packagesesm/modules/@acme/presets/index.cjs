exports.preset = {};
