"""How fast images are read: this program and torchvision, in turn, on the same files.

usage: make loading, or python3 docs/baselines/loading.py [--rounds 3] [--seconds 1] [--sizes 96,224]
       [--folder FOLDER] [--bench FILE]

Both give batches of 16 with random resized crops (0.08 to 1) and flips, normalised. The first epoch
is this program's, which decodes each file and writes the pack; the pack is its later epochs, and
torchvision is ImageFolder, RandomResizedCrop and a DataLoader with as many workers, which decodes in
every epoch. Without --folder the files are 256 JPEG of 500x375, of blurred noise. --bench is the
compiled test binary of supernet/dataset. Of the rounds the fastest counts. The result is a table in
Markdown on standard output: images/s with one worker and with two, and of one worker per second of
processor time.
"""
import argparse, os, re, subprocess, sys, tempfile, time

from train import pictures, root  # beside this file


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=float, default=1)
    a.add_argument("--sizes", default="96,224")
    a.add_argument("--folder")
    a.add_argument("--bench")
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as here:
        folder, bench = a.folder, a.bench
        if not folder:
            folder = os.path.join(here, "pictures")
            for part in ("train", "val"):
                pictures(os.path.join(folder, part))
        if not bench:
            bench = os.path.join(here, "bench")
            subprocess.run(["go", "test", "-c", "-o", bench, "./supernet/dataset"], cwd=root, check=True)
        found = {}
        for _ in range(a.rounds):
            for size in map(int, a.sizes.split(",")):
                for key, speeds in [*ours(bench, folder, size, a.seconds), *torchvisions(folder, size, a.seconds)]:
                    found[size, key] = [max(pair) for pair in zip(speeds, found.get((size, key), (0, 0)))]
    print("| pixels | workers | first epoch | torchvision | | from the pack |\n|---|---|---|---|---|---|")
    for size in map(int, a.sizes.split(",")):
        for workers in (1, 2):
            first, theirs, pack = (found[size, (what, workers)] for what in ("first", "torchvision", "pack"))
            cell = lambda speed: f"{speed[0]:,.0f}" + (f" ({speed[1]:,.0f})" if workers == 1 else "")
            ratio = f"{first[0] / theirs[0]:.2f}" + (f" ({first[1] / theirs[1]:.2f})" if workers == 1 else "")
            print(f"| {size} | {workers} | {cell(first)} | {cell(theirs)} | {ratio} | {cell(pack)} |")


def ours(bench, folder, size, seconds):
    """Yields what was read, with how many workers, and images/s by the clock and by processor time."""
    command = [bench, "-test.run", "^$", "-test.bench", f"^BenchmarkLoad$/^{size}px$/^(first_epoch|packed)$/^crops$", "-test.benchtime", f"{seconds}s", "-load", folder]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    for name, way, workers, core, wall in re.findall(r"/(first_epoch|packed)/(crops)/workers=(\d)\S*\s.*?([\d.]+) images/core-s\s+([\d.]+) images/s", text):
        yield ({"first_epoch": "first", "packed": "pack"}[name], int(workers)), (float(wall), float(core))


def torchvisions(folder, size, seconds):
    import torch
    from torchvision import datasets, transforms as t

    torch.set_num_threads(1)
    change = t.Compose([t.RandomResizedCrop(size, (0.08, 1)), t.RandomHorizontalFlip(), t.ToTensor(), t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    images = datasets.ImageFolder(os.path.join(folder, "train"), change)

    def speed(workers, clock):
        batches = torch.utils.data.DataLoader(images, 16, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
        n, start = 0, None
        while True:
            for x, _ in batches:
                if start is None:  # the workers have started
                    start = clock()
                    continue
                n += len(x)
                if clock() - start >= seconds:
                    return n / (clock() - start)

    one = speed(0, time.process_time)
    for workers in (1, 2):
        yield ("torchvision", workers), (speed(workers, time.perf_counter), one)


if __name__ == "__main__":
    main()
