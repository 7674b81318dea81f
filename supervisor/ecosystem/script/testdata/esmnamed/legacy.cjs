module.exports = { LEGACY: 'yes', FROM: require('path').basename(__filename) };
