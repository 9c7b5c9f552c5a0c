// Searches the stored catalogue. What a word means and scores comes with the catalogue: the hub's own
// rules computed it. Here words are only looked up, and the likeliest taken for one that is unknown.
"use strict";

const LEAST_SHARE = 0.24;
const LEAST_OF_BEST = 0.2;
const COMPLETION = 0.7;
const MOST_COMPLETIONS = 12;
const NAME_COUNTS = 1.5;
const OTHER_FORM = 0.8;
const OTHER_ORDER = 0.8;
const WEAK_IN_NAME = 0.5;
const WITHOUT_WEAK = 0.9;
const GAP = 0.8;
const MOST_WORDS = 24;
const LONGEST_PHRASE = 4;
const SHORTEST_BEGINNING = 3;
const SHORTEST_WITH_TWO = 7;

function splitWords(text) {
  const plain = text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  return plain.match(/[\p{L}\p{N}]+/gu) || [];
}

// Letters that are changed, left out, added, or swapped with their neighbour.
function distance(one, other) {
  let before = [];
  let row = [...Array(other.length + 1).keys()];
  for (let at = 1; at <= one.length; at++) {
    const above = row;
    row = [at];
    for (let n = 1; n <= other.length; n++) {
      const same = one[at - 1] === other[n - 1];
      row[n] = Math.min(above[n] + 1, row[n - 1] + 1, above[n - 1] + (same ? 0 : 1));
      const swapped = at > 1 && n > 1 && one[at - 1] === other[n - 2] && one[at - 2] === other[n - 1];
      if (swapped) row[n] = Math.min(row[n], before[n - 2] + 1);
    }
    before = above;
  }
  return row[other.length];
}

class OfflineSearch {
  constructor(index) {
    this.index = index;
    this.terms = new Map(Object.entries(index.terms));
    this.spellings = new Map(Object.entries(index.spellings));
    this.names = new Set(index.words);
    const isWord = (term) => !term.includes(" ");
    this.words = [...this.terms.keys()].filter(isWord).sort();
    this.spellable = [...this.words, ...[...this.spellings.keys()].filter(isWord)];
  }

  // The sequences of words that `known` has, the longest first, replaced by what it says.
  replaced(words, known) {
    const found = [];
    for (let at = 0; at < words.length; ) {
      let length = Math.min(LONGEST_PHRASE, words.length - at);
      let other;
      for (; length > 0; length--) {
        other = known(words.slice(at, at + length).join(" "));
        if (other !== undefined) break;
      }
      found.push(...(other === undefined ? [words[at]] : other));
      at += Math.max(1, length);
    }
    return found;
  }

  standard(words) {
    return this.replaced(words, (text) => {
      const standard = this.spellings.get(text);
      return standard === undefined ? undefined : standard.split(" ");
    });
  }

  rootOf(word) {
    let best;
    for (const [prefix, instead, suffix] of this.index.affixes) {
      if (word.length - prefix.length - suffix.length < 3) continue;
      if (!word.startsWith(prefix) || !word.endsWith(suffix)) continue;
      const root = instead + word.slice(prefix.length, word.length - suffix.length);
      if (this.terms.has(root) && (!best || root.length > best.length)) best = root;
    }
    return best;
  }

  split(word) {
    for (let n = 3; word.length >= 6 && n < word.length - 2; n++) {
      const parts = [word.slice(0, n), word.slice(n)];
      if (parts.every((part) => this.names.has(part))) return parts;
    }
    return undefined;
  }

  correct(word) {
    let best;
    const most = word.length >= SHORTEST_WITH_TWO ? 2 : 1;
    for (const other of this.spellable) {
      if (word.length < 3 || Math.abs(other.length - word.length) > most) continue;
      const errors = distance(word, other);
      if (errors > most) continue;
      const first = other[0] === word[0] ? 0 : 0.3;
      const lengths = other.length === word.length ? 0.1 : other.length > word.length ? 0 : 0.2;
      const cost = errors + first + lengths + (this.names.has(other) ? 0 : 0.25);
      if (!best || cost < best.cost) best = { other, cost };
    }
    return best && best.other;
  }

  completions(beginning) {
    if (beginning.length < SHORTEST_BEGINNING) return [];
    const found = this.words.filter((word) => word.startsWith(beginning) && word !== beginning);
    return found.slice(0, MOST_COMPLETIONS);
  }

  // Joins what was written apart, and finds the word that was meant by each unknown one.
  meant(words) {
    const found = [];
    for (let at = 0; at < words.length; at++) {
      const word = words[at];
      const next = words[at + 1];
      const isLast = at === words.length - 1;
      const isUnknown = !this.terms.has(word);
      if (next && this.terms.has(word + next) && (isUnknown || next.length === 1)) {
        found.push(word + next);
        at++;
      } else if (isUnknown && /^\p{L}+$/u.test(word)) {
        const root = this.rootOf(word);
        if (root) found.push(root);
        else if (isLast && this.completions(word).length) found.push(word);
        else found.push(...(this.split(word) || [this.correct(word) || word]));
      } else {
        found.push(word);
      }
    }
    return found;
  }

  // The terms of a question: the longest phrases, and the words between them.
  partsOf(words) {
    const parts = [];
    for (let at = 0; at < words.length; ) {
      let length = Math.min(LONGEST_PHRASE, words.length - at);
      while (length > 1 && !this.terms.has(words.slice(at, at + length).join(" "))) length--;
      const own = words.slice(at, at + length);
      const term = own.join(" ");
      at += length;
      const more = at === words.length && length === 1 ? this.completions(term) : [];
      const terms = [[term, 1], ...more.map((each) => [each, COMPLETION])];
      const known = terms.filter(([each]) => this.terms.has(each));
      const entries = known.map(([each, weight]) => [this.terms.get(each), weight]);
      parts.push({ words: own, entries });
    }
    return parts;
  }

  // What the question's terms score by service, and the highest possible.
  scoreWords(parts) {
    const totals = new Map();
    let asked = 0;
    for (const { entries } of parts) {
      const best = new Map();
      for (const [place, weight] of entries) {
        const scores = this.index.scores[place];
        for (let n = 1; n < scores.length; n += 2) {
          best.set(scores[n], Math.max(best.get(scores[n]) || 0, scores[n + 1] * weight));
        }
      }
      for (const [service, score] of best) totals.set(service, (totals.get(service) || 0) + score);
      asked += entries.length ? this.index.scores[entries[0][0]][0] : this.index.unknown;
    }
    return [totals, asked];
  }

  // The roots that the question means, each with its highest weight and its position.
  rootsOf(parts) {
    const roots = new Map();
    let position = 0;
    for (const { words, entries } of parts) {
      for (const [place, weight] of entries) {
        const triples = this.index.roots[place];
        for (let n = 0; n < triples.length; n += 3) {
          const root = triples[n];
          const one = { weight: (triples[n + 1] / 100) * weight, at: position + triples[n + 2], words };
          if (!roots.has(root) || roots.get(root).weight < one.weight) roots.set(root, one);
        }
      }
      if (entries.length === 0 || this.index.scores[entries[0][0]][0]) position += words.length;
    }
    return roots;
  }

  // What the best of each service's names scores that the question contains.
  scoreNames(roots) {
    const best = new Map();
    for (const [service, ...places] of this.index.names) {
      const words = places.map((place) => [this.index.words[place], ...this.index.word_values[place]]);
      const strong = words.filter(([, , weak]) => !weak);
      if (!(strong.length ? strong : words).every(([, root]) => roots.has(root))) continue;
      const values = new Map();
      const positions = [];
      let factor = 1;
      for (const [word, root, weak, value] of words) {
        const one = roots.get(root);
        if (!one) {
          factor *= WITHOUT_WEAK;
          continue;
        }
        positions.push(one.at);
        const form = one.words.includes(word) ? 1 : OTHER_FORM;
        const score = value * form * (weak && strong.length ? WEAK_IN_NAME : 1) * one.weight;
        values.set(one.at, Math.max(values.get(one.at) || 0, score));
      }
      if (positions.some((at, n) => n > 0 && at < positions[n - 1])) factor *= OTHER_ORDER;
      const gaps = Math.max(...positions) - Math.min(...positions) + 1 - new Set(positions).size;
      const sum = [...values.values()].reduce((total, value) => total + value, 0);
      const score = sum * factor * GAP ** Math.max(0, gaps);
      best.set(service, Math.max(best.get(service) || 0, score));
    }
    return best;
  }

  // The slugs of the services that a question finds, best first.
  search(text) {
    const meant = this.meant(this.standard(splitWords(text).slice(0, MOST_WORDS)));
    const parts = this.partsOf(this.standard(meant));
    const [words, asked] = this.scoreWords(parts);
    const names = this.scoreNames(this.rootsOf(parts));
    const hits = [...new Set([...words.keys(), ...names.keys()])].map((service) => {
      const [word, name] = [words.get(service) || 0, names.get(service) || 0];
      const share = Math.min((word + name) / (asked || 1), 1);
      return { service, score: word + NAME_COUNTS * name, share };
    });
    hits.sort((a, b) => b.score - a.score || a.service - b.service);
    const least = hits.length ? Math.max(LEAST_SHARE, LEAST_OF_BEST * hits[0].share) : 1;
    return hits.filter((hit) => hit.share >= least).map((hit) => this.index.services[hit.service]);
  }
}
