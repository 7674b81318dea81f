exports.ports = { one: 1, two: 2 }; exports.define = (name, port) => ({ name, script: name + '.js', env: { PORT: port } });
