"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.apps = void 0;
const path_1 = __importDefault(require("path"));
const os_1 = require("os");
exports.apps = [{ name: "ts", script: path_1.default.join("dist", "main.js"), instances: (0, os_1.cpus)().length }];
