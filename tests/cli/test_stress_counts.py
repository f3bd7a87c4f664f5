"""What a stress test says of how much it did."""

import json

from dnnexplain.cli import main


def test_json_counts_the_runs_that_were_made_beside_those_that_were_allowed(capsys, tmp_path):
    line = f"stress abr --budget 20 --jobs 1 --oracle-seconds 0 --proofs 0 --out {tmp_path / 'report'} --json"
    assert main(line.split()) == 0
    said = json.loads(capsys.readouterr().out)
    made = 0 if said["generated"] is None else 2 * said["generated"]["runs"]
    runs = made + sum(scenario["sets"] for scenario in said["scenarios"])
    assert (said["ended_by"], said["counts"]) == ("counts", {"budget": 20, "runs": runs})
    assert 0 < runs <= 20
