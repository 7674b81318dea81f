module.exports = {
  apps: [{ script: 'index.js', watch: '.' }, { script: './service-worker/', watch: ['./service-worker'] }],
  deploy: {
    production: {
      user: 'deployer', host: ['10.0.0.1', '10.0.0.2'], ref: 'origin/main', repo: 'git@example.com:acme/shop.git', path: '/srv/shop',
      'pre-deploy-local': '', 'post-deploy': 'npm ci && pm2 reload ecosystem.config.js --env production', 'pre-setup': '',
    },
  },
};
