"""The original method: Gatys, Ecker and Bethge, A Neural Algorithm of Artistic Style (arXiv:1508.06576).

It finds a picture by minimizing alpha * content loss + beta * style loss over the pixels. The losses compare
features of a VGG network; they also measure the pictures of other methods.
"""
