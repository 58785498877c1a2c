"""The part of the Hub that takes large files by the Xet protocol: chunks in blocks, and shards that say where from."""

import hashlib
import time
from itertools import accumulate

import pyarrow as pa

HEADER = 8  # of every chunk: a byte of version, three of length, a byte of scheme, three of length unpacked
PLAIN, LZ4, GROUPED = range(3)


def chunks(block):
    """Return the chunks of a block, unpacked."""
    found, place = [], 0
    while place + HEADER < len(block) and block[place] == 0:
        packed, unpacked = (int.from_bytes(block[place + i : place + i + 3], "little") for i in (1, 5))
        body = block[place + HEADER : place + HEADER + packed]
        scheme = block[place + 4]
        if scheme != PLAIN:
            body = pa.decompress(body, unpacked, "lz4", asbytes=True)
        if scheme == GROUPED:  # all first bytes of four, then all second ones, and so on
            lengths = [(unpacked + 3 - i) // 4 for i in range(4)]
            starts = [0, *accumulate(lengths)]
            grouped, body = body, bytearray(unpacked)
            for i, length in enumerate(lengths):
                body[i::4] = grouped[starts[i] : starts[i] + length]
        found.append(bytes(body))
        place += HEADER + packed
    return found


class XetRoutes:
    """What the server answers to hf_xet, which makes do without grants and with the first version of shards."""

    routes = (
        ("GET", r"/api/{repo}/xet-write-token/(?P<revision>[^/]+)", "xet_token"),
        ("GET", r"/cas/v1/chunks/default/(?P<hash>[0-9a-f]{64})", "xet_known"),
        ("POST", r"/cas/v1/xorb-grants/default/(?P<hash>[0-9a-f]{64})", "xet_known"),
        ("POST", r"/cas/v1/xorbs/default/(?P<hash>[0-9a-f]{64})", "xet_block"),
        ("POST", r"/cas/v2/shards", "xet_known"),
        ("POST", r"/cas/v1/shards", "xet_shard"),
    )

    def xet_token(self, kind, id, revision):
        self.repo(kind, id, write=True)
        return {"accessToken": "xet", "exp": int(time.time()) + 3600, "casUrl": f"{self.hub.url}/cas"}

    def xet_known(self, hash=""):
        raise self.unknown()

    def xet_block(self, hash):
        self.hub.blocks.append(chunks(self.body))
        if not self.hub.blocks[-1]:
            self.complain("a block without chunks")
        return {"was_inserted": True}

    def xet_shard(self):
        self.hub.shards.append(self.body)
        return {"result": 1}

    def xet_file(self, sha256, size):
        """Find a file among the chunks that have arrived, if a shard announces it."""
        digest = bytes.fromhex(sha256)
        turned = b"".join(digest[i : i + 8][::-1] for i in range(0, 32, 8))
        if not any(turned in shard for shard in self.hub.shards):
            return None
        everything = [chunk for block in self.hub.blocks for chunk in block]
        data = b"".join(everything)
        for start in accumulate(map(len, everything), initial=0):
            if hashlib.sha256(data[start : start + size]).hexdigest() == sha256:
                return data[start : start + size]
        return None
