"""The rule of the look-back memory written again, as plainly as it can be told, and clocks to try it with."""

import numpy as np

from seqgen import clock as clocks
from seqgen.memories import _places as p
from seqgen.memories._places import LAGS, LONGEST, RIGHT, WAYS, WRONG
from seqgen.memories._registers import AHEAD, BACK, FORTH, READ

KINDS = 40


def random_clock(seed, size):
    """(size, 6) a clock of which every column is used, in combinations that no codec has; at most 40 rows."""
    draw = np.random.default_rng(seed)
    clock = np.zeros((KINDS, clocks.COLUMNS), np.int64)
    clock[:4, 0] = draw.integers(1, 3, 4)
    clock[3, 0] = clocks.DOCUMENT
    clock[4:12, 1] = draw.integers(1, clocks.PLACES + 1, 8)
    clock[12:18, 2] = draw.integers(1, 300, 6)
    clock[18:23, 3:5] = np.stack([draw.integers(1, clocks.VOICES, 5), draw.integers(0, 2, 5)], 1)
    clock[23:36, 4:6] = draw.integers(0, 2, (13, 2))
    clock[30, :3] = 1, 5, 7
    return clock[draw.permutation(KINDS)[:size]]


def stands(ids, clock):
    """((bar, place, voice), count) of each token: the furthest place of its bar."""
    return [(here, count) for here, count, _, _ in walked(ids, clock)]


def walked(ids, clock):
    """((bar, place, voice), count, the place that it names, how many bars begin) of each token."""
    bar = place = voice = voiced = 0
    stood = []
    for token in ids:
        bars, to, advance, named, own, counts = clock[token].tolist()
        events = bars or to or advance
        place = max(to - 1, 0) if bars or to else place + advance
        bar, place = bar + bars + place // clocks.PLACES, place % clocks.PLACES
        voice = named - 1 if named else voice
        voiced = bool(own) or (bool(voiced) and not events)
        here = (bar, place, voice + 1 if voiced else 0)
        if stood and stood[-1][0][0] == bar:
            here = max(here, stood[-1][0])
        same = bool(stood) and stood[-1][0] == here
        stood.append((here, min((stood[-1][1] if same else 0) + counts, p.COUNTS - 1), place, bars))
    return stood


def naive(ids, clock, length):
    """(follow, right, matched, place) of each token of one document or several, looked for among all before it."""
    begin, said, out, stood = 0, [0] * WAYS, [], walked(ids, clock)
    for t, (token, (here, count, place, bars)) in enumerate(zip(ids, stood)):
        bar, follow = here[0], []
        for lag in LAGS:
            wanted = ((bar - lag, *here[1:]), count)
            found = [
                s for s in range(max(0, t + 1 - length), t) if stood[s][:2] <= wanted and stood[s][0][0] == bar - lag
            ]
            follow.append(ids[max(found) + 1] + 1 if found else 0)
        begin = t if bars >= clocks.DOCUMENT else begin
        sizes = [0] * t
        for s in range(max(begin, t + 1 - length), t):
            while sizes[s] < s + 1 - begin and ids[s - sizes[s]] == ids[t - sizes[s]]:
                sizes[s] += 1
        longest = max(sizes, default=0)
        follow.append(ids[t - sizes[::-1].index(longest)] + 1 if longest else 0)
        right = [0 if one == 0 else RIGHT if one == token + 1 else WRONG for one in said]
        said = follow
        out.append((follow, right, min(longest, LONGEST), place))
    return out


def lookback_by_hand(w, xs, ids, length):
    """A whole document (T, S), (T,) → (T, S), from the equations."""
    found = []
    ways = np.split(w["ways.weight"], WAYS, axis=1)
    for x, (follow, right, matched, place) in zip(xs, naive(ids.tolist(), w["clock"].astype(int), length)):
        y = x + w["place.weight"][place]
        if matched:
            y = y + w["match.weight"][matched - 1]
        for way, (one, how) in enumerate(zip(follow, right)):
            if one:
                trust = w["trust.weight"][matched - 1] if way == WAYS - 1 else 1
                y = y + trust * ways[way] @ w["ids.weight"][one - 1]
            if how:
                y = y + w["said.weight"][2 * way + how - 1]
        found.append(y)
    return np.array(found)


def held_back(tokens, clock, signs):
    """The tokens as `lookback` is told them: from <suffix> to <prefix> nothing but <suffix>."""
    suffix, prefix, *others = signs
    passed, loading = [], False
    for token in tokens:
        if clock[token, 0] >= clocks.DOCUMENT or token in others:
            loading = False
        elif token == suffix:
            loading = True
        elif token == prefix:
            loading = False
        passed.append(suffix if loading else token)
    return np.array(passed)


def lookahead_by_hand(w, xs, ids, length):
    """The same, and what follows holes or is given of bars that are made."""
    register, stands, told, order = [], "", None, ""
    clock, tokens = w["clock"].astype(int), ids.tolist()
    passed = held_back(tokens, clock, w["signs"].astype(int).tolist())
    found = lookback_by_hand(w, xs, passed, length)
    stood, table, begin = walked(passed.tolist(), clock), w["ids.weight"], 0
    suffix, prefix, end, given, made = w["signs"].astype(int).tolist()

    def said(weight, tokens, most):
        rows = np.zeros((most, table.shape[1]))
        for k, one in enumerate(tokens):
            if one is not None:
                rows[k] = table[one]
        return weight @ rows.ravel()

    for t, token in enumerate(tokens):
        begins = clock[token, 0] >= clocks.DOCUMENT
        begin = t if begins else begin
        if begins or token in (suffix, end, given, made):
            register, told = [], None
            stands = "" if begins else {suffix: "loading", made: "made"}.get(token, "")
            order += " " if begins else {given: "g", made: "m"}.get(token, " ")
        elif stands == "loading" and token == prefix:
            stands, told = "hole", said(w["ahead.weight"], register[:AHEAD], AHEAD)
        elif stands == "loading":
            register.append(token)
        if stands == "loading":
            found[t] = w["hold"]
        if stands == "hole":
            found[t] += told
        if stands == "made":
            bar, place, _ = stood[t][0]
            kept = range(max(begin, t + 1 - length), t + 1)
            lag = 2 if order.endswith(("mm", "ggm")) else 3
            same = [s for s in kept if stood[s][0][0] == bar - lag and stood[s][0][1] <= place]
            if same:
                around = range(max(same) + 1 - BACK, max(same) + 1 + FORTH)
                found[t] += said(w["given.weight"], [tokens[s] if s in kept else None for s in around], READ)
    return found
