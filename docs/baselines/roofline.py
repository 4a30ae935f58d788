"""Where the time of a training step goes, against what the machine can do.

usage: make roofline, or python3 docs/baselines/roofline.py [--threads 2] [--steps 10] [--sizes 96,224] [--kernels SET]

BenchmarkTrainStep of supernet/backprop runs with ONNX Runtime's profiler on; nodes are added up by
kind, with the operations and the bytes that their shapes ask for, each tensor being read or written
once. peak.c, compiled by the C compiler, measures multiply-adds and copies. The bound of a kind is the
longer of operations at the one speed and bytes at the other, its share how much of the time that is.
The result is a table in Markdown for every size.
"""
import argparse, collections, glob, json, math, os, re, subprocess, tempfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
warm = 2  # steps of the benchmark before those that count

kinds = {
    "Depthwise": "depthwise, forward", "DepthwiseGradient": "depthwise, backward", "Product": "1x1 products, maps",
    "OuterProduct": "1x1 products, weights", "Gemm": "small products", "MatMul": "small products", "FusedMatMul": "Toeplitz products",
}


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--threads", type=int, default=2)  # of BenchmarkTrainStep
    a.add_argument("--steps", type=int, default=10)
    a.add_argument("--sizes", default="96,224")
    a.add_argument("--kernels", default="")
    a.add_argument("--nodes", action="store_true", help="the nodes that take longest, too")
    return a.parse_args()


def main(a):
    with tempfile.TemporaryDirectory() as folder:
        bench, peak = os.path.join(folder, "bench"), os.path.join(folder, "peak")
        subprocess.run(["go", "test", "-c", "-o", bench, "./supernet/backprop"], cwd=root, check=True)
        subprocess.run([os.environ.get("CC", "cc"), "-O3", "-march=native", "-pthread", "-o", peak, "docs/baselines/peak.c"], cwd=root, check=True)
        flops, bandwidth = map(float, re.findall(r"[\d.]+", subprocess.check_output([peak, str(a.threads)], text=True)))
        for side in a.sizes.split(","):
            traces = os.path.join(folder, side)
            os.mkdir(traces)
            env = dict(os.environ, BINAS_KERNELS=a.kernels)
            command = [bench, "-test.run", "^$", "-test.bench", f"^BenchmarkTrainStep$/^{side}px$", "-test.benchtime", f"{a.steps}x", "-traces", traces]
            text = subprocess.run(command, cwd=os.path.join(root, "supernet", "backprop"), env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
            step = float(re.search(r"([\d.]+) ns/op", text)[1]) / 1e6
            table(a, side, traces, step, flops, bandwidth)


class Kind:
    def __init__(self):
        self.ms = self.flops = self.bytes = self.nodes = 0


def table(a, side, folder, step, flops, bandwidth):
    found, nodes, running = collections.defaultdict(Kind), collections.defaultdict(Kind), 0
    traces = [json.load(open(f)) for f in sorted(glob.glob(folder + "/*"))]
    runs = [sorted((e for e in t if e["name"] == "model_run"), key=lambda e: e["ts"]) for t in traces]
    steps = min(map(len, runs))  # the head's session runs once a step
    for trace, own in zip(traces, runs):
        own = own[len(own) // steps * warm :]
        running += sum(e["dur"] for e in own) / 1e3 / (steps - warm)
        for e in trace:
            if e.get("cat") != "Node" or not e["name"].endswith("_kernel_time") or e["ts"] < own[0]["ts"]:
                continue
            op, inputs, outputs = e["args"]["op_name"], shapes(e, "input_type_shape"), shapes(e, "output_type_shape")
            for kind in found[kinds.get(op, "elementwise and reductions" if large(outputs + inputs) else "small nodes")], nodes[f"{op} {inputs} {outputs}"]:
                kind.ms += e["dur"] / 1e3 / (steps - warm)
                kind.nodes += 1 / (steps - warm)
                kind.flops += operations(op, inputs, outputs) / (steps - warm)
                kind.bytes += 4 * sum(map(math.prod, inputs + outputs)) / (steps - warm)
    print(f"\n{side} px: {step:.0f} ms a step; peaks {flops:.0f} GFLOP/s and {bandwidth:.1f} GB/s\n")
    print("| kind | nodes | ms | GFLOP/s | GB/s | share of the bound |\n|---|---|---|---|---|---|")
    for name, k in sorted(found.items(), key=lambda x: -x[1].ms):
        print(row(name, k, flops, bandwidth))
    inside = sum(k.ms for k in found.values())
    print(f"| between nodes | | {running - inside:.1f} | | | |\n| outside of sessions | | {step - running:.1f} | | | |")
    bound = sum(max(k.flops / flops, k.bytes / bandwidth) for k in found.values()) / 1e6
    print(f"| all | {sum(k.nodes for k in found.values()):.0f} | {step:.1f} | {sum(k.flops for k in found.values()) / step / 1e6:.0f} | {sum(k.bytes for k in found.values()) / step / 1e6:.1f} | {100 * bound / step:.0f}% |", flush=True)
    if a.nodes:
        for name, k in sorted(nodes.items(), key=lambda x: -x[1].ms)[:60]:
            print(row(name, k, flops, bandwidth))


def row(name, k, flops, bandwidth):
    bound = max(k.flops / flops, k.bytes / bandwidth) / 1e6
    return f"| {name} | {k.nodes:.0f} | {k.ms:.1f} | {k.flops / k.ms / 1e6:.0f} | {k.bytes / k.ms / 1e6:.1f} | {100 * bound / k.ms:.0f}% |"


def shapes(event, which):
    listed = event["args"].get(which, [])
    return [list(entry.values())[0] for entry in (json.loads(listed) if isinstance(listed, str) else listed)]


def large(tensors):
    return max(map(math.prod, tensors), default=0) > 1 << 16


def operations(op, inputs, outputs):
    """Multiplications and additions of a node."""
    if op == "OuterProduct":
        return 2 * math.prod(outputs[0]) * inputs[0][1]
    if op in ("Product", "Gemm", "MatMul", "FusedMatMul"):
        depth = math.sqrt(math.prod(inputs[0]) * math.prod(inputs[1]) / math.prod(outputs[0]) / math.prod(outputs[0][:-2]))
        return 2 * depth * math.prod(outputs[0])
    if op == "Depthwise":
        return (2 * inputs[1][1] + 10) * math.prod(outputs[0])
    if op == "DepthwiseGradient":
        return (6 * inputs[1][1] + 20) * math.prod(inputs[6])
    return sum(map(math.prod, outputs))


if __name__ == "__main__":
    main(arguments())
