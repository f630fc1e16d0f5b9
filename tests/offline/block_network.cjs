// Loaded into every Node.js process of a synth that must not need the network.
const net = require("node:net");

net.Socket.prototype.connect = function () {
  throw new Error("the network is blocked");
};
