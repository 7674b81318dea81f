exports.a = () => 'a' + b.b(); const b = require('./b'); exports.done = true;
