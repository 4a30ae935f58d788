// Classifies images with an exported network as `binas-tui validate` does, to the bit
// of every pixel: node classify.mjs network.onnx network.json IMAGE...
//
// network.json is what `export --json` prints: onnxruntime-node does not show the
// metadata in the file. Needs onnxruntime-node and sharp. The rules are in ../DEPLOYING.md.
import fs from "node:fs";
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/"); // modules of the folder it is run in
const ort = require("onnxruntime-node"), sharp = require("sharp");

async function decode(file) {
  const { format, space } = await sharp(file).metadata();
  if (space === "cmyk" || format === "gif") throw new Error("sharp gives it other colours: convert it first");
  const { data, info } = await sharp(file).toColourspace("srgb").removeAlpha().raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { rgb: data, ...info };
}

// weights lists, for each pixel of the result, [pixel, weight] of those it is made of:
// Catmull-Rom, widened where the image becomes smaller.
function weights(n, size) {
  const scale = n / size, wide = Math.max(scale, 1);
  return Array.from({ length: size }, (_, i) => {
    const at = (i + 0.5) * scale - 0.5, row = [];
    for (let j = Math.max(0, Math.floor(at - 2 * wide)); j < Math.min(n, Math.ceil(at + 2 * wide)); j++) {
      const t = Math.abs(at - j) / wide;
      row.push([j, t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((2.5 - 0.5 * t) * t - 4) * t + 2 : 0]);
    }
    const sum = row.reduce((s, [, w]) => s + w, 0);
    return row.map(([j, w]) => [j, w / sum]);
  });
}

// prepare makes the network's input [1, 3, size, size].
function prepare({ rgb, width, height, channels }, meta) {
  const size = +meta.image_size, mean = JSON.parse(meta.mean), std = JSON.parse(meta.std), x = new Float32Array(3 * size * size);
  const side = Math.max(1, Math.floor(Math.min(width, height) * meta.crop_pct + 0.5));
  const left = (width - side) >> 1, top = (height - side) >> 1, rows = weights(side, size);
  for (let c = 0; c < 3; c++) {
    const pixel = (i, j) => rgb[((top + j) * width + left + i) * channels + (c % channels)] / 255; // grey has one channel
    const lines = Array.from({ length: side }, (_, j) => rows.map((row) => row.reduce((s, [i, w]) => s + w * pixel(i, j), 0)));
    for (let y = 0; y < size; y++)
      for (let i = 0; i < size; i++) {
        const v = rows[y].reduce((s, [j, w]) => s + w * lines[j][i], 0);
        x[(c * size + y) * size + i] = ((Math.floor(Math.min(Math.max(v, 0), 1) * 65535 + 0.5) >> 8) / 255 - mean[c]) / std[c];
      }
  }
  return new ort.Tensor("float32", x, [1, 3, size, size]);
}

const [model, json, ...files] = process.argv.slice(2);
const network = await ort.InferenceSession.create(model);
const meta = JSON.parse(fs.readFileSync(json)).metadata;
if (meta.preprocessing !== "1") throw new Error("preprocessing " + meta.preprocessing);
for (const file of files) {
  const { logits } = await network.run({ image: prepare(await decode(file), meta) });
  const best = logits.data.indexOf(Math.max(...logits.data));
  console.log(JSON.stringify({ image: file, class: JSON.parse(meta.class_names)[best], logits: Array.from(logits.data) }));
}
