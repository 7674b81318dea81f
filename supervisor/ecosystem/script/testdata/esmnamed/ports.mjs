export const ports = { one: 1001, two: 1002 };
export default ports;
