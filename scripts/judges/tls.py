"""What testssl.sh found: tls.py FILE, the one that its --jsonfile wrote.

Ends with an error if a finding is above LOW, or if there is less than a whole run finds.
"""

import json
import sys

HARMLESS = ("DEBUG", "OK", "INFO", "LOW")
# What is as it should be, though this version says otherwise.
ACCEPTED = {
    "cipher_order": "all ciphers are good ones, so the client chooses its fastest, as Mozilla advises",
    "security_headers": "these are the application's to set",
    "engine_problem": "about the tool's own OpenSSL",
    "sessionresumption_ticket": "its test cannot always be made; scripts/judges/tls resumes sessions itself",
}
# One for each part of a run: protocols, ciphers, the certificate, weaknesses.
EXPECTED = ("TLS1_3", "cipherlist_aNULL", "cert_chain_of_trust", "heartbleed", "ROBOT")

with open(sys.argv[1]) as file:
    findings = json.load(file)
missing = set(EXPECTED) - {finding["id"].split(" ")[0] for finding in findings}
counts, faults = {}, []
for finding in findings:
    severity = finding["severity"]
    counts[severity] = counts.get(severity, 0) + 1
    if severity not in HARMLESS and finding["id"] in ACCEPTED:
        print("accepted {severity} {id}: {finding}".format(**finding), f"({ACCEPTED[finding['id']]})")
    elif severity == "LOW":
        print("LOW {id}: {finding}".format(**finding))
    elif severity not in HARMLESS:
        faults.append("{severity} {id}: {finding}".format(**finding))
print(", ".join(f"{count} {severity}" for severity, count in sorted(counts.items())))
if missing:
    faults.append(f"testssl.sh did not look at {', '.join(sorted(missing))}")
if faults:
    sys.exit("\n".join(faults))
