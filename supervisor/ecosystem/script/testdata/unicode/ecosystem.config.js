const words = 'z Ä a B é e f _x 10 9'.split(' ');
module.exports = {
  apps: [{ name: 'a' }],
  up: 'straße'.toUpperCase(), low: 'ΟΔΟΣ'.toLowerCase(),
  compared: Math.sign('ä'.localeCompare('z')), equal: 'e\u0301'.localeCompare('é'),
  sorted: words.sort((a, b) => a.localeCompare(b)).join(' '),
  nfc: 'e\u0301'.normalize('NFC'), nfd: [...'é'.normalize('NFD')].map((c) => c.codePointAt(0)),
  nfkc: 'ﬁ'.normalize('NFKC'), nfkd: 'ﬁ'.normalize('NFKD'), ascii: 'ab'.normalize(),
};
