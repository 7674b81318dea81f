"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const config = { apps: [{ name: "tsd", script: "main.js" }] };
exports.default = config;
