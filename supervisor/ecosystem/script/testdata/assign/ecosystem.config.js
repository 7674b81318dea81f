process.env.NODE_ENV = process.env.NODE_ENV || 'production';
process.env.COUNT = 3;
delete process.env.APP_NAME;
const isProd = process.env.NODE_ENV === 'production';
console.log('loading', { isProd });
module.exports = [{ name: isProd ? 'prod' : 'dev', script: 'a.js', count: process.env.COUNT, gone: process.env.APP_NAME === undefined, ...(isProd && { instances: 'max' }), ...(!isProd && { watch: true }) }];
