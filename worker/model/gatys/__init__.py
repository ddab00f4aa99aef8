"""The original method: Gatys, Ecker and Bethge, A Neural Algorithm of Artistic Style (arXiv:1508.06576).

A picture is found by minimizing alpha * content loss + beta * style loss over its pixels. The losses compare
features of a VGG network, and also tell how good a picture of any other method is.
"""
