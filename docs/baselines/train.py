"""Images per second at which PyTorch trains the heaviest network of the BINAS space.

usage: python3 train.py [threads] [side] [batch]

One step is what BenchmarkTrainStep of supernet/backprop does: forward, cross entropy with
smoothing 0.1 and backward, batch norm in training mode, dropout 0.3, drop path 0.2 * i / 22 on
block i; without the optimiser.
"""
import sys, time
import torch
from torch import nn
import torch.nn.functional as F

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
side = int(sys.argv[2]) if len(sys.argv) > 2 else 32
batch = int(sys.argv[3]) if len(sys.argv) > 3 else 64
torch.set_num_threads(threads)
torch.manual_seed(1)


def divisible(v, d=8):
    n = max(d, int(v + d / 2) // d * d)
    return n + d if n < 0.9 * v else n


class Block(nn.Module):
    """Inverted residual: expand 6, kernel 5, squeeze-excite 1/4."""

    def __init__(self, cin, cout, stride, act, drop):
        super().__init__()
        mid = 6 * cin
        self.act, self.drop, self.residual = act, drop, stride == 1 and cin == cout
        self.pw, self.bn1 = nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid)
        self.dw, self.bn2 = nn.Conv2d(mid, mid, 5, stride, 2, groups=mid, bias=False), nn.BatchNorm2d(mid)
        self.reduce, self.expand = nn.Conv2d(mid, divisible(mid / 4), 1), nn.Conv2d(divisible(mid / 4), mid, 1)
        self.pwl, self.bn3 = nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout)

    def forward(self, x):
        y = self.act(self.bn1(self.pw(x)), inplace=True)
        y = self.act(self.bn2(self.dw(y)), inplace=True)
        y = y * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(y, 1)), inplace=True)))
        y = self.bn3(self.pwl(y))
        if not self.residual:
            return y
        if self.drop:
            keep = 1 - self.drop
            y = y / keep * (keep + torch.rand(len(y), 1, 1, 1)).floor_()
        return x + y


class Heaviest(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem, self.bn0 = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.dw, self.bn1 = nn.Conv2d(32, 32, 3, 1, 1, groups=32, bias=False), nn.BatchNorm2d(32)
        self.pw, self.bn2 = nn.Conv2d(32, 16, 1, bias=False), nn.BatchNorm2d(16)
        blocks, cin, i = [], 16, 1
        for cout, stride, act in [(24, 2, F.relu), (40, 2, F.relu), (80, 2, F.hardswish), (112, 1, F.hardswish), (192, 2, F.hardswish)]:
            for j in range(4):
                blocks.append(Block(cin, cout, stride if j == 0 else 1, act, 0.2 * i / 22))
                cin, i = cout, i + 1
        self.blocks = nn.Sequential(*blocks)
        self.last, self.bn3 = nn.Conv2d(cin, 960, 1, bias=False), nn.BatchNorm2d(960)
        self.head, self.classifier = nn.Conv2d(960, 1280, 1), nn.Linear(1280, classes)

    def forward(self, x):
        x = F.hardswish(self.bn0(self.stem(x)), inplace=True)
        x = self.bn2(self.pw(F.relu(self.bn1(self.dw(x)), inplace=True)))
        x = F.hardswish(self.bn3(self.last(self.blocks(x))), inplace=True)
        x = F.hardswish(self.head(F.adaptive_avg_pool2d(x, 1)), inplace=True).flatten(1)
        return self.classifier(F.dropout(x, 0.3, self.training))


net = Heaviest(10).train()
x, y = torch.randn(batch, 3, side, side), torch.randint(10, (batch,))
loss = nn.CrossEntropyLoss(label_smoothing=0.1)
times = []
for step in range(23):
    start = time.perf_counter()
    net.zero_grad(set_to_none=True)
    loss(net(x), y).backward()
    times.append(time.perf_counter() - start)
times = sorted(times[3:])
print(f"torch {torch.__version__}, {threads} threads, {side} px, batch {batch}, {sum(p.numel() for p in net.parameters())} parameters: "
      f"median {batch / times[len(times) // 2]:.0f}, best {batch / times[0]:.0f} images/s")
