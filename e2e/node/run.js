// Runs ONNX files with onnxruntime-node and prints what they answer.
//
//   node run.js INPUT MODEL...
//
// INPUT is raw little-endian float32; each model reads as many of its values as
// its input "image" has. Prints a JSON list, one entry a model: shape and values
// of "logits", and the names of all inputs and outputs.
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main() {
  const [input, ...models] = process.argv.slice(2);
  const bytes = fs.readFileSync(input);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const answers = [];
  for (const file of models) {
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, executionProviders: ["cpu"] });
    const shape = session.inputMetadata[0].shape;
    const count = shape.reduce((a, b) => a * b, 1);
    const image = new ort.Tensor("float32", values.slice(0, count), shape);
    const { logits } = await session.run({ image });
    answers.push({ shape: logits.dims, values: Array.from(logits.data), inputs: session.inputNames, outputs: session.outputNames });
    await session.release();
  }
  console.log(JSON.stringify(answers));
}

main().catch((err) => {
  console.error(String(err));
  process.exit(1);
});
