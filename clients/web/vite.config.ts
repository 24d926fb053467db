import { defineConfig } from "vite";

// Relative addresses, so that any edge may serve the page under any path.
export default defineConfig({
  base: "./",
  build: { outDir: "dist", emptyOutDir: true, target: "es2022" },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:7777", ws: true }, "/maps": "http://127.0.0.1:7777" } },
});
