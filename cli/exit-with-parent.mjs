// Preloaded into wrangler: ends it, and the workerd it started, when the process that started it is gone,
// however that ended. The channel closes even after a kill -9, so nothing is left that holds on to a port.
if (process.channel) {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel.unref();
}
