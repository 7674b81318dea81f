class App {
  static count = 0;
  #port;
  constructor(name, port) { this.name = name; this.#port = port; App.count++; }
  get script() { return `./${this.name}.js`; }
  get env() { return { PORT: this.#port }; }
  toJSON() { return { name: this.name, script: this.script, env: this.env, index: App.count }; }
}
class Worker extends App {
  constructor(name) { super(name, 0); }
  toJSON() { return { ...super.toJSON(), instances: 2 }; }
}
module.exports = { apps: [new App('web', 80), new Worker('jobs')] };
