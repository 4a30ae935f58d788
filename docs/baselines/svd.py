"""The time of the SVD with which the original fits its bilinear predictor.

usage: python3 svd.py FILE ROWS COLUMNS   (PyTorch; the BLAS that it uses decides)

FILE holds the features of samples, float32 in rows: `go test ./fit -run TestSVD -svd python3` writes
them, times the fit of the same samples, and runs this.
"""
import os, sys, time
import torch

torch.set_num_threads(os.cpu_count())
rows, columns = int(sys.argv[2]), int(sys.argv[3])
x = torch.from_file(sys.argv[1], size=rows * columns, dtype=torch.float32).reshape(rows, columns)
print(f"{rows} x {columns}, torch {torch.__version__}, {torch.get_num_threads()} threads")
for dtype in (torch.float64, torch.float32):
    y = x.to(dtype)
    wall, cpu = time.perf_counter(), time.process_time()
    torch.linalg.svd(y, full_matrices=False)
    print(f"{dtype} {time.perf_counter() - wall:.2f} s, {time.process_time() - cpu:.2f} s of processor time", flush=True)
