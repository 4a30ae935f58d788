"""Makes class_order.json: names as timm's readers sort them, and BINAS's.

natural_key is timm's (timm/utils/misc.py), to the letter. Equal keys are left
out: their order in Python is chance. python3 class_order.py > class_order.json
"""
import json
import random
import re


def natural_key(string_):
    """See http://www.codinghorror.com/blog/archives/001018.html"""
    return [int(s) if s.isdigit() else s for s in re.split(r'(\d+)', string_.lower())]


pieces = ['', '0', '1', '2', '9', '10', '007', '12345678901234567890123', '٣', '१२', '𝟘𝟡', 'a', 'B', 'c', 'n0', 'Z', ' ', '.',
          '_', '-', 'Ä', 'ß', 'É', 'Σ', 'ΑΣ', 'İ', 'I', 'ı', 'ﬀ', 'Ǆ', '中', '😀', '\uffee', '~', '{']
rng = random.Random(1)
lists = [[str(i) for i in range(1, 12)], ['img2', 'IMG10', 'img1'], ['b', 'C', 'a', 'D'], ['n02', 'n1', 'n'], ['١٠', '٩', '8']]
while len(lists) < 300:
    lists.append([''.join(rng.choice(pieces) for _ in range(rng.randint(1, 5))) for _ in range(12)])
out = []
for names in lists:
    unique = {repr(natural_key(n)): n for n in names if n}
    out.append(sorted(unique.values(), key=natural_key))
print(json.dumps(out))
