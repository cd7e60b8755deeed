"""Bars of Photon's throughput beside its peers', as an SVG that reads on light and dark pages."""

import html

COLORS = ["#e4572e", "#2e86ab", "#6a994e", "#8d6a9f", "#b08900", "#5f6c7b"]
LEFT, TOP, BAR, GAP, WIDTH = 170, 60, 13, 16, 560


def svg(workloads, peers, ratios):
    """`ratios[workload][peer]` is the peer's throughput in parts of Photon's; None for what it cannot do."""
    others = [peer for peer in peers if peer != "photon"]
    lines, y = [], TOP
    longest = max(ratio for row in ratios.values() for ratio in row.values() if ratio)
    scale = WIDTH / max(1.1, longest)
    for workload in workloads:
        rows = [peer for peer in others if ratios[workload].get(peer)]
        middle = y + len(rows) * BAR / 2 + 4
        lines.append(f'<text x="{LEFT - 10}" y="{middle:.0f}" text-anchor="end">{html.escape(workload)}</text>')
        for peer in rows:
            ratio, color = ratios[workload][peer], COLORS[others.index(peer) % len(COLORS)]
            lines.append(f'<rect x="{LEFT}" y="{y}" width="{ratio * scale:.1f}" height="{BAR - 2}" fill="{color}"/>')
            lines.append(f'<text x="{LEFT + ratio * scale + 4:.1f}" y="{y + BAR - 4}" font-size="9">{ratio:.2f}</text>')
            y += BAR
        y += GAP
    one = LEFT + scale
    legend = []
    for number, peer in enumerate(others):
        x = LEFT + number * 100
        legend.append(f'<rect x="{x}" y="30" width="10" height="10" fill="{COLORS[number % len(COLORS)]}"/>')
        legend.append(f'<text x="{x + 14}" y="39" font-size="11">{html.escape(peer)}</text>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{y}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#6b7280">',
        "<title>Requests per second in parts of Photon's</title>",
        f'<text x="{LEFT}" y="18">Requests per second, in parts of Photon\'s (the line)</text>',
        *legend,
        f'<line x1="{one:.1f}" y1="{TOP - 8}" x2="{one:.1f}" y2="{y - GAP + 4}" stroke="#6b7280" stroke-width="1.5"/>',
        *lines,
        "</svg>",
        "",
    ])
