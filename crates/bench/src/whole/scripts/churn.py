# Objects, dictionaries, lists, strings, JSON and regular expressions, all of them short-lived or moved around.
import json
import random
import re

random.seed(1)


class Node:
    def __init__(self, key, text):
        self.key, self.text, self.next = key, text, []


def graph(count):
    nodes = [Node(i, "node %d %s" % (i, "x" * (i % 50))) for i in range(count)]
    for node in nodes:
        node.next.append(nodes[random.randrange(count)])
    return sum(len(n.text) for node in nodes for n in node.next)


def words(count):
    seen = {}
    for i in range(count):
        word = "w%d" % random.randrange(count // 4)
        seen.setdefault(word, []).append(i)
    return sorted(seen, key=lambda word: (-len(seen[word]), word))[:10]


def documents(count):
    text = json.dumps([{"id": i, "tags": ["t%d" % (i % k) for k in range(1, 6)], "text": "y" * (i % 90)} for i in range(count)])
    back = json.loads(text)
    return len(text), sum(len(entry["tags"]) for entry in back)


def matches(count):
    text = " ".join("%d-%s@host%d.example" % (i, "ab" * (i % 7), i % 13) for i in range(count))
    return len(re.findall(r"(\d+)-(\w*)@(host\d+)", text)), len(re.sub(r"host(\d+)", r"h\1", text).split(" "))


print(graph(60000), words(80000), documents(12000), matches(30000))
