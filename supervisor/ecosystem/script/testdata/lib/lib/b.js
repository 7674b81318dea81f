const a = require('./a'); exports.b = () => 'b' + a.done;
