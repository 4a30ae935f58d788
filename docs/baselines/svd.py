"""The time of the SVD with which the original fits its bilinear predictor.

usage: python3 svd.py [rows]   (PyTorch; the BLAS that it uses decides)

The matrix has the features of `rows` random networks of the BINAS space: 15
depth probabilities x 240 option probabilities, one-hot, and both of them:
3,855 columns, of which a network touches 126 at most.
"""
import sys, time
import torch

rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
g = torch.Generator().manual_seed(1)
stages, depths, blocks, options = 5, 3, 20, 12
beta = torch.nn.functional.one_hot(torch.randint(depths, (rows, stages), generator=g), depths)
alpha = torch.nn.functional.one_hot(torch.randint(options, (rows, blocks), generator=g), options)
beta, alpha = beta.reshape(rows, -1).double(), alpha.reshape(rows, -1).double()
x = torch.cat([beta, alpha, (beta[:, :, None] * alpha[:, None, :]).reshape(rows, -1)], 1)
print(f"{x.shape[0]} x {x.shape[1]}, torch {torch.__version__}, {torch.get_num_threads()} threads")
for dtype in (torch.float64, torch.float32):
    y = x.to(dtype)
    wall, cpu = time.perf_counter(), time.process_time()
    torch.linalg.svd(y, full_matrices=False)
    print(f"{dtype}: {time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of processor time", flush=True)
