exports.deep = 'inner';
